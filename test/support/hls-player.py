"""Plays a playlist with GStreamer's playbin3 (hlsdemux2), a player that neither hls.js nor ffmpeg have a line of.

python3 hls-player.py URL. Writes a line of JSON when a number of frames have come out of a decoder, and for what fails.
Debian: gstreamer1.0-plugins-bad gstreamer1.0-plugins-good gir1.2-gst-plugins-bad-1.0 python3-gi
"""
import json
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

STEPS = (1, 100)


def say(**what):
    print(json.dumps(what), flush=True)


Gst.init(None)
frames = {"video": 0, "audio": 0}
player = Gst.ElementFactory.make("playbin3")
player.set_property("uri", sys.argv[1])


def decoded(_sink, _buffer, _pad, kind):
    frames[kind] += 1
    if frames[kind] in STEPS:
        say(decoded=kind, frames=frames[kind])


for kind in frames:
    # In step with the clock, as a screen.
    sink = Gst.ElementFactory.make("fakesink")
    sink.set_property("sync", True)
    sink.set_property("signal-handoffs", True)
    sink.connect("handoff", decoded, kind)
    player.set_property(f"{kind}-sink", sink)


def demuxers(_bin, _sub, element):
    name = element.get_factory().get_name() if element.get_factory() else ""
    if "hls" in name:
        say(demuxer=name)


player.connect("deep-element-added", demuxers)
loop = GLib.MainLoop()
bus = player.get_bus()
bus.add_signal_watch()
bus.connect("message::error", lambda _bus, message: say(problem=message.parse_error()[0].message))
bus.connect("message::warning", lambda _bus, message: say(warning=message.parse_warning()[0].message))
bus.connect("message::eos", lambda _bus, _message: (say(ended=True), loop.quit()))
player.set_state(Gst.State.PLAYING)
loop.run()
player.set_state(Gst.State.NULL)
