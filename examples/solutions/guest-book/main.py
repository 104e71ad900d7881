"""A guest book in PostgreSQL, whose visits Redis counts. Both run beside this program, and are reached by their names."""

from postgres import Postgres
from redis import Redis

GUESTS = [("Ada", "Punched cards were never this quick."), ("Grace", "I left a moth in your relay."), ("Alan", "Can it think?")]

with Postgres("db", user="postgres", password="only in this sandbox", database="book") as db, Redis("cache") as cache:
    db.query("CREATE TABLE IF NOT EXISTS guests (name text PRIMARY KEY, words text NOT NULL, visits int NOT NULL)")
    for name, words in GUESTS:
        db.query(
            "INSERT INTO guests VALUES ($1, $2, 1) ON CONFLICT (name) DO UPDATE SET visits = guests.visits + 1",
            name,
            words,
        )
        cache.ask("ZINCRBY", "guests", "1", name)
    opened = cache.ask("INCR", "opened")

    print(f"The guest book, opened {opened} time{'' if opened == 1 else 's'}")
    for name, words, visits in db.query("SELECT name, words, visits FROM guests ORDER BY name"):
        counted = cache.ask("ZSCORE", "guests", name)
        assert counted == visits, f"Redis counted {counted} visits of {name}, and PostgreSQL {visits}"
        print(f"  {name:<6} {visits:>3}  “{words}”")
