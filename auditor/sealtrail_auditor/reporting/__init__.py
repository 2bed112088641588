"""The auditor's report: counted from verified entries, signed, and shown as a page (docs/report.md).

    activity.py       what entries say: tally.py by name, over_time.py by time, pauses.py between them
    checks.py         the named checks, and how each of them came out
    members.py        all of it as the JSON of report.json, with rows.py; its shape is in shape.py
    signed.py         signing report.json as a note, and opening it again
    page.py           report.html, from report.json alone: page_judgement.py, page_records.py, and the picture
                      of chart.py, put together with page_tables.py and page_text.py

Which controls a report supports, ../controls.py says.
"""
