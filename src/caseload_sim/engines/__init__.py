"""Engines answer one question, by the rules of the day: who holds which place on which day?"""
