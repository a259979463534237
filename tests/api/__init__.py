"""What other programs build on: names, shapes, packages."""
