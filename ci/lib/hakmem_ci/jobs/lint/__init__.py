"""Rules of style that a program can check: layout, names, scripts, documents."""
