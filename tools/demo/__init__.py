"""The demo: a guest plays a protected clip on the device, and the host proves what happened.

clip, encryption: the clip, by the ffmpeg and openssl command lines. job: the disks that carry it to
the guest's player and what comes back. playback: the guest. picture: what was on the screen.
report: the figures and the verdict. story: what the terminal shows. demo: all of it in order.
"""
