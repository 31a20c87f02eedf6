<ol>
% for comment in comments:
<li><b>${comment.author}</b><blockquote>${comment.text}</blockquote></li>
% endfor
</ol>\
