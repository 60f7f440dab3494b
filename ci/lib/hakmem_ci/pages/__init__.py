"""The generated pages of docs/reports: what each is made from, and whether it still says what there is."""
