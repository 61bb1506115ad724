"""What the screens show, as pure values: no import of textual, no disk, no clock of its own."""
