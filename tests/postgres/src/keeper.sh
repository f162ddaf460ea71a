# Runs a server for as long as somebody holds the other end of this shell's input, and says its process id. Whatever becomes of that
# somebody, the server ends at once and its folder goes; one who says "keep" keeps the folder.
folder=$1 log=$2
shift 2
"$@" </dev/null >>"$log" 2>&1 &
server=$!
# A group whose leader's parent has died is told to hang up, where one of it stands still.
trap '' HUP INT TERM
echo "$server"
word=
read -r word
# It may have been stopped, and so may those whom it started.
children=$(cat "/proc/$server/task/$server/children" 2>/dev/null)
kill -CONT $children "$server" 2>/dev/null
kill -QUIT "$server" 2>/dev/null
wait "$server"
[ "$word" = keep ] || rm -rf "$folder"
