"""A store that notes what is asked of it, and can fail at any request."""

from __future__ import annotations


class CountingStore:
    """Passes all on to a store; `opened` are the keys of opened objects, `listed` the lines of listings.

    The request with the number `fail_at` raises `error`.
    """

    def __init__(self, store, *, fail_at=None, error=KeyboardInterrupt):
        self._store = store
        self._error = error
        self.fail_at = fail_at
        self.requests = 0
        self.opened = []
        self.listed = []

    def __getattr__(self, name):
        return getattr(self._store, name)

    def _request(self):
        self.requests += 1
        if self.requests == self.fail_at:
            raise self._error

    def open(self, key, version_id):
        self._request()
        self.opened.append(key)
        return self._store.open(key, version_id)

    def head(self, key, version_id):
        self._request()
        return self._store.head(key, version_id)

    def versions(self, prefix, **options):
        self._request()
        for line in self._store.versions(prefix, **options):
            self.listed.append(line.key)
            yield line
