"""The processes of a site: supervisor, embedded Redis, web server, preparation, health."""
