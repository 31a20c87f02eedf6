<table>
% for row in table:
<tr>\
% for cell in row:
<td>${cell}</td>\
% endfor
</tr>
% endfor
</table>\
