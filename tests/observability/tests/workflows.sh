# The pipelines, as actionlint reads them.

test_workflows_are_sound() {
    "$bin/actionlint" -color=false .github/workflows/*.yml
    # Steps that are given what others wrote take it from the environment, never by putting it into the script.
    if grep -n 'run:.*\${{ *\(github.event\|inputs\)' .github/workflows/*.yml; then return 1; fi
    echo "$(ls .github/workflows/*.yml | wc -l) workflows"
}

test_workflow_mistakes_are_found() {
    mkdir -p "$work/workflows"
    broken() {
        sed "$2" ".github/workflows/$1" >"$work/workflows/$1"
        cmp -s ".github/workflows/$1" "$work/workflows/$1" && { echo "nothing was changed in $1"; return 1; }
        refuses "$3" "$bin/actionlint" -color=false "$work/workflows/$1"
    }
    broken deploy.yml 's/steps.images.outputs.native/steps.image.outputs.native/' 'property "image" is not defined'
    broken deploy.yml 's/client-id:/client_id:/' 'is not defined in action "azure/login@v2"'
    broken test.yml 's/permissions:/permission:/' 'unexpected key "permission"'
    broken release.yml 's/needs: \[build, dev\]/needs: [build, tests]/' 'which does not exist'
    echo '4 mistakes, all found'
}

# The part of the changelog that a release is told with.
test_a_release_is_told_with_its_changes() {
    local program
    program=$(sed -n "s/.*awk -v version=\"## \$VERSION\" '\(.*\)' CHANGELOG.md.*/\1/p" .github/workflows/release.yml)
    [ -n "$program" ]
    [ "$(awk -v version='## 0.1.0' "$program" CHANGELOG.md | grep -c '^- ')" = "$(sed -n '/^## 0.1.0/,$p' CHANGELOG.md | grep -c '^- ')" ]
    [ -z "$(awk -v version='## 0.1' "$program" CHANGELOG.md)" ]
    echo "$(awk -v version='## 0.1.0' "$program" CHANGELOG.md | grep -c '^- ') lines of 0.1.0"
}
