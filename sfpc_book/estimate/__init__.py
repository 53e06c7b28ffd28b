"""What is the effect?"""
