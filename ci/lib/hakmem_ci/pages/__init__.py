"""The generated pages of docs/reports and docs/reference: what each is made from, and whether it still says what there is."""
