// sharp, in one thread and with no cache of results: its side of the conversation that
// imagebench/sides/serve.py describes.
//
// node side.mjs [--chained]: derive smaller outputs from the pixels of the largest, as our pipeline
// does, rather than decode the source again for each, which is how sharp's manual does it.

import readline from "node:readline";
import sharp from "sharp";

sharp.concurrency(1);
sharp.cache(false);

const chained = process.argv.includes("--chained");

const encoders = {
  jpeg: (image, quality) => image.jpeg({ quality, chromaSubsampling: "4:2:0", optimiseCoding: true }),
  webp: (image, quality) => image.webp({ quality, effort: 4 }),
};

async function make({ source, folder, format, widths, quality }) {
  const save = async (image, width) => {
    const path = `${folder}/${width}.${format}`;
    await encoders[format](image, quality).toFile(path);
    return path;
  };
  if (!chained) {
    return inTurn(widths, (width) => save(sharp(source).resize({ width }), width));
  }
  const largest = Math.max(...widths);
  const pixels = sharp(source).resize({ width: largest }).raw();
  const { data, info: raw } = await pixels.toBuffer({ resolveWithObject: true });
  return inTurn(widths, (width) => save(sharp(data, { raw }).resize({ width }), width));
}

async function inTurn(widths, work) {
  const paths = [];
  for (const width of widths) paths.push(await work(width));
  return paths;
}

const { sharp: version, vips, webp } = sharp.versions;
console.log(JSON.stringify({ node: process.versions.node, sharp: version, libvips: vips, webp }));
for await (const line of readline.createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await make(JSON.parse(line))));
}
