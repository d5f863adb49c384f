// One PNG of all panes and what is said of them: what a saved notebook shows.

const [GAP, LINE] = [12, 26];
const MOST_PX = 1600;
const [GROUND, TEXT, QUIET] = ["#ffffff", "#10161f", "#4a5566"];

/**
 * @param {{canvas: HTMLCanvasElement, title: string}[]} panes
 * @param {string[]} words lines of text, the first above the pictures
 * @returns {Promise<ArrayBuffer>}
 */
export async function compose(panes, [heading, ...words]) {
  const width = GAP + panes.reduce((sum, { canvas }) => sum + canvas.width + GAP, 0);
  const tallest = Math.max(...panes.map(({ canvas }) => canvas.height));
  const height = GAP + LINE + tallest + LINE * (1 + words.length) + GAP;
  const scale = Math.min(1, MOST_PX / width);
  const sheet = new OffscreenCanvas(Math.ceil(width * scale), Math.ceil(height * scale));
  const to = sheet.getContext("2d");
  to.scale(scale, scale);
  to.fillStyle = GROUND;
  to.fillRect(0, 0, width, height);
  write(to, heading, GAP, GAP + LINE / 2, 600, TEXT);
  let left = GAP;
  for (const { canvas, title } of panes) {
    to.drawImage(canvas, left, GAP + LINE);
    write(to, title, left, GAP + LINE * 1.5 + tallest, 400, QUIET);
    left += canvas.width + GAP;
  }
  words.forEach((text, i) => write(to, text, GAP, GAP + LINE * (2.5 + i) + tallest, 400, TEXT));
  const blob = await sheet.convertToBlob({ type: "image/png" });
  return await blob.arrayBuffer();
}

function write(to, text, left, middle, weight, color) {
  to.font = `${weight} 15px system-ui, sans-serif`;
  to.textBaseline = "middle";
  to.fillStyle = color;
  to.fillText(text, left, middle);
}
