"""What a file is and how it is shown, as rows; without the widgets that draw them."""
