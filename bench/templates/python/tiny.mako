<!DOCTYPE html>
<html><head><title>${title}</title></head>
<body><h1>Hello, ${user.name}!</h1>
% if user.unread > 0:
<p>You have ${user.unread} new messages.</p>
% else:
<p>No news.</p>
% endif
<a href="${user.home}">Your page</a></body></html>\
