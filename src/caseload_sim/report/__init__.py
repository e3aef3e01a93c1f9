"""One file for a board: what a saved run says, in plain words, on a page that asks nothing of any network.

`material` is what a report is made from: a saved run, or a saved comparison. `page` says what is on the page: the answer,
the cards, what to know first, and the sections, of which `waits`, `ladder`, `changes`, `doubt` and `made` have one or two each, with
`assumed` for what differs between scenarios;
`parts` is what a page consists of, and `wording` how numbers are written. `html` writes a page as a file, with the marks of
`strips` in its tables and `drawn` for figures of the gallery; `workbook` writes its tables as a spreadsheet.

May import: runs and all below it. It reads saved runs and returns text or bytes; it writes nothing to the disk.
Start with `page.page_of`, then `html.as_html`.
"""
