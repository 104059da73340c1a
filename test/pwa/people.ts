/** Painted people in place of Chromium's green test card: for pictures that a person will look at. Runs inside the page. */
export interface Person {
  readonly wall: [string, string];
  readonly skin: string;
  readonly hair: string;
  readonly shirt: string;
  readonly long?: boolean;
  readonly glasses?: boolean;
  /** Makes a sound, so that the page shows who speaks. */
  readonly talks?: boolean;
  /** Fine stripes on the wall: what a blur takes away. */
  readonly stripes?: boolean;
}

export const PEOPLE: readonly Person[] = [
  { wall: ['#e9dcc6', '#c9b08b'], skin: '#c98d67', hair: '#2b1a14', shirt: '#0b635a', long: true },
  { wall: ['#cfd9dc', '#93a9ae'], skin: '#edc3a3', hair: '#8a4b22', shirt: '#d98a1c', glasses: true, talks: true },
  { wall: ['#d9e2cf', '#9fb58a'], skin: '#7d4f35', hair: '#120d0b', shirt: '#efe9dd' },
  { wall: ['#e6d3cf', '#b98d85'], skin: '#f0cdb4', hair: '#c9bfb4', shirt: '#37506e', glasses: true, long: true },
];

export function paintCamera(person: Person): void {
  const canvas = document.createElement('canvas');
  // Half of 720p: four of them share two cores in a test.
  canvas.width = 640;
  canvas.height = 360;
  const g = canvas.getContext('2d') as CanvasRenderingContext2D;
  g.scale(0.5, 0.5);
  const ellipse = (x: number, y: number, rx: number, ry: number, fill: string | CanvasGradient) => {
    g.fillStyle = fill;
    g.beginPath();
    g.ellipse(x, y, rx, ry, 0, 0, Math.PI * 2);
    g.fill();
  };
  const draw = () => {
    const t = performance.now() / 1000;
    const sway = Math.sin(t * 0.7) * 8;
    const nod = Math.sin(t * 1.3) * 4;
    const wall = g.createLinearGradient(0, 0, 1280, 720);
    wall.addColorStop(0, person.wall[0]);
    wall.addColorStop(1, person.wall[1]);
    g.fillStyle = wall;
    g.fillRect(0, 0, 1280, 720);
    g.fillStyle = 'rgb(0 0 0 / 0.6)';
    for (let i = 0; person.stripes && i < 1280; i += 16) g.fillRect(i, 0, 8, 720);
    // A window with soft light, a shelf, a plant.
    g.fillStyle = 'rgb(255 255 255 / 0.28)';
    g.fillRect(90, 60, 230, 330);
    g.fillStyle = 'rgb(0 0 0 / 0.08)';
    g.fillRect(200, 60, 8, 330);
    g.fillRect(90, 215, 230, 8);
    g.fillStyle = 'rgb(60 40 20 / 0.35)';
    g.fillRect(930, 250, 280, 14);
    ['#7a8f86', '#b0764a', '#d5c7a8', '#53605d', '#a98f5f'].forEach((color, i) => {
      g.fillStyle = color;
      g.fillRect(950 + i * 30, 160 + (i % 3) * 14, 24, 90 - (i % 3) * 14);
    });
    ellipse(1150, 200, 34, 44, '#4f7a55');
    ellipse(1125, 215, 22, 34, '#5f8f63');
    g.fillStyle = '#a5643b';
    g.fillRect(1130, 222, 42, 30);
    const x = 640 + sway;
    const y = 330 + nod;
    if (person.long) ellipse(x, y + 60, 178, 240, person.hair);
    // Shoulders, neck, head.
    ellipse(x, 810, 380, 270, person.shirt);
    g.fillStyle = person.skin;
    g.fillRect(x - 58, y + 110, 116, 130);
    ellipse(x, y + 235, 66, 36, person.skin);
    ellipse(x, y, 138, 172, person.skin);
    ellipse(x - 138, y + 12, 20, 34, person.skin);
    ellipse(x + 138, y + 12, 20, 34, person.skin);
    g.fillStyle = person.hair;
    g.beginPath();
    g.ellipse(x, y - 62, 150, 128, 0, Math.PI * 0.98, Math.PI * 2.02);
    g.quadraticCurveTo(x + 60, y - 100, x - 20, y - 92);
    g.quadraticCurveTo(x - 110, y - 86, x - 150, y - 50);
    g.fill();
    const blink = t % 4 < 0.12 ? 2 : 13;
    ellipse(x - 52, y - 4, 12, blink, '#231a16');
    ellipse(x + 52, y - 4, 12, blink, '#231a16');
    g.strokeStyle = person.hair;
    g.lineWidth = 9;
    g.lineCap = 'round';
    for (const side of [-1, 1]) {
      g.beginPath();
      g.moveTo(x + side * 34, y - 42);
      g.quadraticCurveTo(x + side * 54, y - 54, x + side * 76, y - 42);
      g.stroke();
    }
    g.strokeStyle = 'rgb(60 20 10 / 0.35)';
    g.lineWidth = 7;
    g.beginPath();
    g.moveTo(x + 4, y + 10);
    g.quadraticCurveTo(x + 20, y + 46, x - 4, y + 48);
    g.stroke();
    const open = person.talks ? Math.abs(Math.sin(t * 7)) * 20 : 0;
    g.fillStyle = '#8d3f39';
    g.beginPath();
    g.moveTo(x - 48, y + 84);
    g.quadraticCurveTo(x, y + 116 + open, x + 48, y + 84);
    g.quadraticCurveTo(x, y + 98, x - 48, y + 84);
    g.fill();
    if (person.glasses) {
      g.strokeStyle = '#231a16';
      g.lineWidth = 6;
      for (const side of [-1, 1]) {
        g.beginPath();
        g.ellipse(x + side * 54, y - 2, 42, 36, 0, 0, Math.PI * 2);
        g.stroke();
      }
      g.beginPath();
      g.moveTo(x - 12, y - 4);
      g.lineTo(x + 12, y - 4);
      g.stroke();
    }
  };
  draw();
  setInterval(draw, 160);
  const video = () => canvas.captureStream(6).getVideoTracks()[0] as MediaStreamTrack;
  const audio = () => {
    const context = new AudioContext();
    const out = context.createMediaStreamDestination();
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.frequency.value = 180;
    gain.gain.value = person.talks ? 0.3 : 0.001;
    tone.connect(gain).connect(out);
    tone.start();
    return out.stream.getAudioTracks()[0] as MediaStreamTrack;
  };
  navigator.mediaDevices.getUserMedia = async (wanted) =>
    new MediaStream([...(wanted?.audio ? [audio()] : []), ...(wanted?.video ? [video()] : [])]);
}
