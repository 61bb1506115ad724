"""The themes that are shipped, one YAML file each; `tui.theme_files` reads them."""
