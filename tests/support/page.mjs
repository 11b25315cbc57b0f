// Runs the script of examples/gateway/upload.html as a browser would, as far as it needs one.
//
//   node page.mjs upload.html GATEWAY TOKEN FILE…
//
// Prints the texts that the page showed for each file, and the sizes of what it got in the end, as JSON.
import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import vm from "node:vm";

const [page, gateway, token, ...paths] = process.argv.slice(2);
const TYPES = { ".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp" };

const shown = [], sizes = [];
const elements = {
  gateway: { value: gateway },
  token: { value: token },
  files: {},
  list: {
    appendChild(item) {
      const texts = [], got = [];
      shown.push(texts);
      sizes.push(got);
      Object.defineProperty(item, "textContent", { set: text => texts.push(text) });
      item.appendChild = image => Object.defineProperty(image, "src", { set: size => got.push(size) });
      return item;
    },
  },
};
const document = { getElementById: id => elements[id], createElement: () => ({}) };
const sandbox = { document, fetch, FormData, crypto, setTimeout, Image: Object,
  URL: { createObjectURL: blob => blob.size } };
const [, script] = /<script>(.*)<\/script>/s.exec(await readFile(page, "utf8"));
vm.runInNewContext(script, sandbox, { filename: page });
const files = await Promise.all(paths.map(async path =>
  new File([await readFile(path)], basename(path), { type: TYPES[extname(path)] })));
await elements.files.onchange({ target: { files } });
console.log(JSON.stringify({ shown, sizes }));
