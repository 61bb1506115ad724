# The part of Markdown that the pages use: titles, paragraphs, lists, links, emphasis.
function inline(text,    parts) {
  gsub(/&/, "\\&amp;", text)
  gsub(/</, "\\&lt;", text)
  while (match(text, /\[[^\]]*\]\([^)]*\.md\)/)) {
    link = substr(text, RSTART + 1, RLENGTH - 2)
    split(link, parts, /\]\(/)
    sub(/\.md$/, ".html", parts[2])
    text = substr(text, 1, RSTART - 1) "<a href=\"" parts[2] "\">" parts[1] "</a>" substr(text, RSTART + RLENGTH)
  }
  while (match(text, /\*[^*]+\*/))
    text = substr(text, 1, RSTART - 1) "<em>" substr(text, RSTART + 1, RLENGTH - 2) "</em>" substr(text, RSTART + RLENGTH)
  return text
}
function enter(wanted) {
  if (open == wanted) return
  if (open != "") print "</" open ">"
  if (wanted != "") print "<" wanted ">"
  open = wanted
}
/^# / { enter(""); print "<h1>" inline(substr($0, 3)) "</h1>"; next }
/^## / { enter(""); print "<h2>" inline(substr($0, 4)) "</h2>"; next }
/^- / { enter("ul"); print "<li>" inline(substr($0, 3)) "</li>"; next }
/^$/ { enter(""); next }
{ if (open != "ul") enter("p"); print inline($0) }
END { enter("") }
