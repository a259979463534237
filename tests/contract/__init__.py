"""The promises that every provider keeps."""
