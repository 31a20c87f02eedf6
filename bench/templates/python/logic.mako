% for i in range(turns):
<% a = i * 7 + 3; b = a % 11 %>\
% if b == 0:
x\
% elif b > 6 and a % 5 == 2:
${b}\
% endif
% endfor
