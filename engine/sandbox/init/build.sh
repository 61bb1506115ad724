#!/bin/sh
# Builds the first process of sandboxes for each machine that a compiler is there for.
set -eu
cd "$(dirname "$0")"
build() {
    command -v "$1" > /dev/null || { echo "no $1: outcrop_init.$2 stays as it is"; return 0; }
    "$1" -std=gnu11 -Os -Wall -Wextra -Werror -ffreestanding -nostdlib -static -fno-pie -no-pie -fno-stack-protector \
        -fno-asynchronous-unwind-tables -fno-ident -Wl,--build-id=none -Wl,-z,noseparate-code \
        -Wl,-z,noexecstack -s -o "outcrop_init.$2" outcrop_init.c
    strip --remove-section=.comment "outcrop_init.$2" 2> /dev/null || true
}
build x86_64-linux-gnu-gcc x86_64
build aarch64-linux-gnu-gcc aarch64
sha256sum outcrop_init.c > built_from.sha256
