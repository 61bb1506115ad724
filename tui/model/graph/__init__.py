"""The picture of a task graph as pure values: from edges to boxes and wires on a grid of cells.

Left to right, one row a task. `layout.lay_out` goes through the steps, each in a file of its own:
layers, reduction, wires (nets and the points they pass), ordering, rows, channels, columns; `cells`
turns the result into masks and characters. Equal input gives equal output: nothing depends on the
order of a set. Nodes are numbers here, from 0 in definition order; names live in `tui.model.graph_view`.
"""
