"""Overlay mounts: how many layers, which paths, what they leave in the upperdir, and what errors say."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import Engine

pytestmark = pytest.mark.namespaces

_PREPARE = """
import errno, stat, sys
from engine.model.errors import MachineError
from engine.sandbox import overlay, system_calls

def layers(count, prefix=""):
    for number in range(count):
        path = os.path.join(os.getcwd(), prefix, f"layer{number}")
        os.makedirs(path)
        open(os.path.join(path, f"from{number}"), "x").close()
        with open(os.path.join(path, "same"), "x") as file:
            file.write(str(number))
        yield path

def places(name="a"):
    for part in ("upper", "work", "root"):
        path = os.path.abspath(f"{name}-{part}")
        os.mkdir(path)
        yield path

def attempt(*arguments):
    try:
        overlay.mount(*arguments)
        print("mounted")
    except MachineError as error:
        print(str(error).replace(os.getcwd(), "."))
"""


@pytest.mark.parametrize("count", [1, 2, 129, 500])
def test_as_many_layers_as_the_kernel_takes(engine: Engine, count: int) -> None:
    code = f"""
upper, work, root = places()
overlay.mount(tuple(layers({count})), upper, work, root)
print(len(os.listdir(root)), open(os.path.join(root, "same")).read())
overlay.unmount(root)
print(os.listdir(root))
"""
    assert engine.python(_PREPARE + code) == f"{count + 1} 0\n[]\n"


def test_too_many_layers_are_refused_in_words(engine: Engine) -> None:
    output = engine.python(_PREPARE + "attempt(('/tmp',) * 501, *places())\nattempt((), *places('b'))")
    assert output == ("an overlay takes 1 to 500 layers, not 501\nan overlay takes 1 to 500 layers, not 0\n")


def test_long_and_odd_paths(engine: Engine) -> None:
    code = r"""
long = "/".join(["directory" * 10] * 5)
odd = "with:colon,comma\\backslash \"quote\"\nnewline" + os.fsdecode(b"\xff")
chosen = (*layers(2, long), *layers(2, odd))
os.makedirs(long + "/places"); os.chdir(long + "/places")
upper, work, root = places()
overlay.mount(chosen, upper, work, root)
print(len(upper) > 255, sorted(os.listdir(root)), open(os.path.join(root, "same")).read())
"""
    assert engine.python(_PREPARE + code) == "True ['from0', 'from1', 'same'] 0\n"


def test_the_way_of_older_kernels(engine: Engine) -> None:
    code = r"""
def no_such_call(kind):
    raise OSError(errno.ENOSYS, "no such call")
system_calls.open_filesystem = no_such_call
upper, work, root = places()
chosen = tuple(layers(200, "with:colon,comma\\backslash"))
overlay.mount(chosen, upper, work, root)
print(len(os.listdir(root)), open(os.path.join(root, "same")).read())
attempt(chosen + chosen, *places("b"))
"""
    assert engine.python(_PREPARE + code) == (
        "201 0\n400 layers are too many for this kernel's mount options\n"
        "hint: Linux 6.7 or newer mounts up to 500 layers\n"
    )


def test_errors_say_what_was_wrong(engine: Engine) -> None:
    code = """
(layer,) = layers(1)
upper, work, root = places()
attempt(("/nowhere",), upper, work, root)
os.mkdir(work + "/used")
attempt((layer, layer), upper, work, root)
upper, work, root = places("b")
attempt((layer,), "/proc/self", work, root)
"""
    assert engine.python(_PREPARE + code).splitlines() == [
        "cannot mount an overlay: `/nowhere` is not a directory that can be reached",
        "cannot mount an overlay of 2 layers: `./a-work` has been used before",
        "cannot mount an overlay of 1 layers: `/proc/self` and `./b-work` are on different filesystems",
    ]


def test_the_upperdir_is_written_the_same_way_in_both_modes(engine: Engine) -> None:
    code = """
(layer,) = layers(1)
os.makedirs(layer + "/replaced/inside"); os.makedirs(layer + "/moved"); os.makedirs(layer + "/gone/deep")
upper, work, root = places()
overlay.mount((layer,), upper, work, root)
os.remove(root + "/same")
os.rmdir(root + "/gone/deep"); os.rmdir(root + "/gone")
os.rmdir(root + "/replaced/inside"); os.rmdir(root + "/replaced"); os.mkdir(root + "/replaced")
try:
    os.rename(root + "/moved", root + "/elsewhere")
except OSError as error:
    print(errno.errorcode[error.errno])
os.chmod(root + "/from0", 0o600)
overlay.unmount(root)
for name in sorted(os.listdir(upper)):
    path = os.path.join(upper, name)
    found = os.lstat(path)
    print(name, oct(found.st_mode), found.st_rdev, os.listxattr(path, follow_symlinks=False))
"""
    assert engine.python(_PREPARE + code).splitlines() == [
        "EXDEV",
        "from0 0o100600 0 ['user.overlay.origin']",
        "gone 0o20000 0 []",
        "replaced 0o40755 0 ['user.overlay.opaque']",
        "same 0o20000 0 []",
    ]
