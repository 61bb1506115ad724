"""One module for each command of `outcrop`: `add_arguments(parser)` and `execute(options, console)`.

`prepare(arguments)`, where a module has it, rewrites what argparse cannot express.
"""
