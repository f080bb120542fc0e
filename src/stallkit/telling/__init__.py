"""Telling people outside of the back office: by e-mail, in a chat, on a phone, or a program by its web address."""
