"""What do public statistics say?"""
