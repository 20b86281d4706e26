"""Rules of law as data, asked on a day: classes of items, licences, duties. Takes records and plain facts."""
