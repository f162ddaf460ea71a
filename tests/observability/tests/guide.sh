# docs/kubernetes.md: each block of commands says where it was run; those that say `here` are run here, as they stand.

test_guide_says_where_commands_were_run() {
    local page=docs/kubernetes.md blocks=$work/blocks place block ran=0
    mkdir -p "$blocks"
    awk -v to="$blocks" '/^```sh$/ { n++; on = 1; next } /^```/ { on = 0 } on { print >(to "/" n ".sh") }' "$page"
    for block in "$blocks"/*.sh; do
        place=$(head -1 "$block")
        case $place in
        '# here')
            bash -euo pipefail "$block" >"$work/said" 2>&1 || { echo "failed:"; cat "$block" "$work/said"; return 1; }
            ran=$((ran + 1))
            ;;
        '# a cluster' | '# a real cluster') bash -n "$block" || { cat "$block"; return 1; } ;;
        *) echo "nobody knows where this was run:"; cat "$block"; return 1 ;;
        esac
    done
    echo "$(ls "$blocks" | wc -l) blocks, $ran run here"
}

# Files that it names are there, and places in pages; what is of the chart once the chart is.
test_guide_names_what_there_is() {
    local file place page missing=''
    for file in $(grep -oE '(k8s/spinkube|\.github|scripts)/[A-Za-z0-9_./-]*[A-Za-z0-9]' docs/kubernetes.md | sort -u); do
        [ -e "$file" ] && continue
        [ ! -e k8s/spinkube/perennial/Chart.yaml ] && [[ $file == *perennial/values* || $file == *secrets.sh || $file == *namespaces.yaml || $file == *README.md ]] && continue
        missing+=" $file"
    done
    for place in $(grep -oE '\]\([a-zA-Z_./]*\.md(#[a-z0-9-]+)?\)' docs/kubernetes.md | tr -d '()]' | sort -u); do
        page=docs/${place%%#*}
        [ -e "$page" ] || { [ ! -e k8s/spinkube/perennial/Chart.yaml ] && [[ $page == *spinkube/README.md ]]; } || missing+=" $place"
        [[ $place != *#* ]] || grep '^#' "$page" | sed 's/^#* *//' | tr 'A-Z ' 'a-z-' | tr -d ',.:()`/' | grep -x -- "${place#*#}" >/dev/null || missing+=" $place"
    done
    [ -z "$missing" ] || { echo "not there:$missing"; return 1; }
    echo 'all of it'
}

# Every alert says where to read on, and that place is there.
test_runbooks_are_there() {
    local page heading
    sed -n 's/^ *runbook: //p' "$files"/rules/*.yaml | sort -u >"$work/runbooks"
    while IFS='#' read -r page heading; do
        grep '^#' "$page" | sed 's/^#* *//' | tr 'A-Z ' 'a-z-' | tr -d ',.:()`/' | grep -qx -- "$heading" || { echo "$page has no heading $heading"; return 1; }
    done <"$work/runbooks"
    echo "$(wc -l <"$work/runbooks") places"
}
