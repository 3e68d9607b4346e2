"""What making data needs from the world: settings, files, tables, sources, LLM cleaning."""
