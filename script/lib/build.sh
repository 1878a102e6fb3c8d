# shellcheck shell=bash
# Building after a change, without the objects that SwiftPM 6.3 forgets.
#
# When the layout of a type changes in target C, SwiftPM compiles C and what imports it, B. The module file of B comes out the
# same byte for byte, keeps its date, and so A, which imports B only but has C's layout inlined through it, is not compiled
# again: the program crashes where it copies the type. Seen here with a server that died at its start.

# forget_stale_objects CONFIGURATION: removes our own objects of targets that depend, however far down, on a target whose
# files changed since this was asked last. The targets stand in the manifest after all that they import, so one pass will do.
forget_stale_objects() (
  cd "$root"
  sums=.build/source-sums/$1
  mkdir -p "$sums"
  declare -A dirty=()
  while IFS=$'\t' read -r name folder imports; do
    stale=false
    for import in $imports; do
      [[ -z ${dirty[$import]:-} ]] || stale=true
    done
    sum=$(find "$folder" -type f -print0 2>/dev/null | sort -z | xargs -0r sha256sum | sha256sum)
    if $stale; then
      dirty[$name]=yes
      # Only what the compiler made: SwiftPM writes the rest of the folder when it plans, which it does not always do.
      find ".build/$1/$name.build" -type f \( -name '*.o' -o -name '*.swiftdeps*' \) -delete 2>/dev/null || true
    elif [[ $sum != "$(cat "$sums/$name" 2>/dev/null)" ]]; then
      dirty[$name]=yes
    fi
    echo "$sum" >"$sums/$name"
  done < <(swift package dump-package | jq -r '.targets[] | [
      .name,
      .path // (if .type == "test" then "Tests/" else "Sources/" end) + .name,
      ([.dependencies[] | (.byName // .target // empty)[0]] | join(" "))
    ] | @tsv')
)
