"""Who is studied, and what happened to them?"""
