#!/bin/sh
# Builds the programs that every sandbox has, for each machine that a compiler is there for.
set -eu
cd "$(dirname "$0")"
programs="outcrop_init outcrop_breakpoint"
build() {
    command -v "$1" > /dev/null || { echo "no $1: those for $2 stay as they are"; return 0; }
    for program in $programs; do
        compile "$1" "$program.$2" "$program.c"
    done
}
compile() {
    "$1" -std=gnu11 -Os -Wall -Wextra -Werror -ffreestanding -nostdlib -static -fno-pie -no-pie -fno-stack-protector \
        -fno-asynchronous-unwind-tables -fno-ident -Wl,--build-id=none -Wl,-z,noseparate-code \
        -Wl,-z,noexecstack -s -o "$2" "$3"
    strip --remove-section=.comment "$2" 2> /dev/null || true
}
build x86_64-linux-gnu-gcc x86_64
build aarch64-linux-gnu-gcc aarch64
sha256sum outcrop_init.c outcrop_breakpoint.c > built_from.sha256
