"""An encoder by WHIP or a viewer by WHEP with GStreamer's webrtcbin: ICE, DTLS, SDP and jitter buffer of neither browsers nor libdatachannel.

`webrtcbin.py whip|whep URL`, with the token in TOKEN: writes a line of JSON for what happens, and ends its session when its input closes.
`webrtcbin.py check`: fails when something is missing. Started by webrtcbin.ts, which names the Debian packages.
"""
import json
import os
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

NEEDED = "webrtcbin nicesrc dtlsenc srtpenc vp8enc vp8dec rtpvp8pay rtpvp8depay opusenc opusdec rtpopuspay videotestsrc audiotestsrc"
SOURCES = """
  webrtcbin name=rtc bundle-policy=max-bundle
  videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=15/1 ! vp8enc deadline=1 keyframe-max-dist=15
    ! rtpvp8pay pt=96 picture-id-mode=2 ! application/x-rtp,media=video,encoding-name=VP8,payload=96 ! queue ! rtc.
  audiotestsrc is-live=true wave=ticks ! audioconvert ! audioresample ! opusenc
    ! rtpopuspay pt=111 ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! queue ! rtc.
"""
RECEIVED = (
    "application/x-rtp,media=audio,encoding-name=OPUS,encoding-params=(string)2,payload=111,clock-rate=48000",
    "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000",
)
DECODERS = {"audio": "rtpopusdepay ! opusdec", "video": "rtpvp8depay ! vp8dec"}
FRAMES_TO_SAY = (1, 20)

# What the environment has as a proxy is not for a server of this machine.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


saying = threading.Lock()


def say(**what):
    # GStreamer's threads say things at once, and print() writes a text and the end of its line one after the other.
    with saying:
        print(json.dumps(what), flush=True)


def ask(method, url, body=None):
    headers = {"authorization": f"Bearer {os.environ['TOKEN']}"}
    if body is not None:
        headers["content-type"] = "application/sdp"
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


class Client:
    def __init__(self, way, url):
        self.url, self.session, self.is_asked = url, None, False
        self.frames = {"audio": 0, "video": 0}
        self.pipeline = Gst.parse_launch(SOURCES if way == "whip" else "webrtcbin name=rtc bundle-policy=max-bundle")
        # A pipeline of one element is that element.
        if way == "whep":
            rtc, self.pipeline = self.pipeline, Gst.Pipeline.new("viewer")
            self.pipeline.add(rtc)
        self.rtc = self.pipeline.get_by_name("rtc")
        self.rtc.connect("notify::ice-gathering-state", self.gathered)
        self.rtc.connect("notify::connection-state", self.changed)
        self.rtc.connect("pad-added", self.comes)
        self.rtc.connect("on-negotiation-needed", lambda _rtc: GLib.idle_add(self.offer))
        if way == "whep":
            for caps in RECEIVED:
                direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
                self.rtc.emit("add-transceiver", direction, Gst.Caps.from_string(caps))
            return
        for index in range(2):
            transceiver = self.rtc.emit("get-transceiver", index)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)

    def offer(self):
        if not self.is_asked:
            self.is_asked = True
            self.rtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered, None))
        return False

    def offered(self, promise, _data):
        # What the promise holds is freed with it.
        promise.wait()
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        self.rtc.emit("set-local-description", offer, Gst.Promise.new())

    def gathered(self, rtc, _property):
        if rtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            threading.Thread(target=self.exchange, daemon=True).start()

    def exchange(self):
        described = self.rtc.get_property("local-description")
        offer = described.sdp.as_text()
        status, headers, answer = ask("POST", self.url, offer.encode())
        say(status=status, body=answer, offer=offer)
        if status != 201:
            return
        self.session = urllib.parse.urljoin(self.url, headers["location"])
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        described = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.rtc.emit("set-remote-description", described, Gst.Promise.new())

    def changed(self, rtc, _property):
        say(connection=rtc.get_property("connection-state").value_nick)

    def comes(self, _rtc, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        kind = (pad.get_current_caps() or pad.query_caps()).get_structure(0).get_string("media")
        decoder = f"queue ! {DECODERS[kind]} ! fakesink name=end signal-handoffs=true sync=false"
        sink = Gst.parse_bin_from_description(decoder, True)
        sink.get_by_name("end").connect("handoff", self.decoded, kind)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def decoded(self, _sink, _buffer, _pad, kind):
        self.frames[kind] += 1
        if self.frames[kind] in FRAMES_TO_SAY:
            say(decoded=kind, frames=self.frames[kind])

    def end(self):
        if self.session:
            say(ended=ask("DELETE", self.session)[0])


def main(way, url=""):
    Gst.init(None)
    missing = [name for name in NEEDED.split() if not Gst.ElementFactory.find(name)]
    if missing:
        sys.exit(f"missing: {' '.join(missing)}")
    if way == "check":
        return
    client = Client(way, url)
    loop = GLib.MainLoop()

    def failed(_bus, message):
        say(problem=message.parse_error()[0].message)

    bus = client.pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", failed)

    def wait():
        sys.stdin.read()
        client.end()
        loop.quit()

    threading.Thread(target=wait, daemon=True).start()
    client.pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    client.pipeline.set_state(Gst.State.NULL)


main(*sys.argv[1:])
