// Two painters of a magnified picture from the layers of a clip: the graphics card, or a canvas where there is none.
// A film's frame holds the recording, the empty scene and the subject's opacity, one below the other. The subject moves
// as a net of points over the scene; the recording shows wherever the subject never was.

const HEAT = { low: 0.02, high: 0.1, cold: [240, 228, 66], hot: [213, 94, 0] }; // body heights and colours, as in a rendered clip

const VERTEX = `
attribute vec2 place; attribute vec2 flow;
uniform vec2 shift; uniform float reach;
varying vec2 at; varying float far;
void main() {
  at = place;
  far = length(flow) * reach;
  vec2 moved = place + flow * shift;
  gl_Position = vec4(2.0 * moved.x - 1.0, 1.0 - 2.0 * moved.y, 0.0, 1.0);
}`;

const FRAGMENT = `
precision mediump float;
uniform sampler2D film; uniform vec2 pixel; uniform bool ground, marked, still;
uniform vec3 cold, hot; uniform vec2 heat;
varying vec2 at; varying float far;
vec3 layer(float number, vec2 place) {
  return texture2D(film, vec2(place.x, (number + clamp(place.y, 0.5 * pixel.y, 1.0 - 0.5 * pixel.y)) / 3.0)).rgb;
}
void main() {
  vec3 own = layer(0.0, at);
  if (ground) {
    float left = 0.0;
    if (!still) for (int x = -1; x < 2; x++) for (int y = -1; y < 2; y++) left = max(left, layer(2.0, at + vec2(x, y) * pixel).g);
    gl_FragColor = vec4(mix(own, layer(1.0, at), min(1.5 * left, 1.0)), 1.0);
    return;
  }
  float there = layer(2.0, at).g;
  float share = clamp((far - heat.x) / (heat.y - heat.x), 0.0, 1.0);
  if (marked && far > heat.x) own = mix(own, mix(cold, hot, share) * (0.6 + 0.4 * dot(own, vec3(0.299, 0.587, 0.114))), 0.5 + 0.15 * share);
  gl_FragColor = vec4(own * there, there);
}`;

/** Corners of the triangles of a net of [w, h] points, as numbers of points. */
function triangles([w, h]) {
  const found = [];
  for (let y = 0; y + 1 < h; y += 1) for (let x = 0; x + 1 < w; x += 1) { const a = y * w + x; found.push(a, a + 1, a + w, a + 1, a + w + 1, a + w); }
  return new Uint16Array(found);
}

/** A painter for this canvas: by the graphics card, else by the canvas itself. */
export function painter(canvas, facts) {
  // A panel is painted beside others that were painted before: the drawing is kept.
  const pen = canvas.getContext("webgl", { premultipliedAlpha: true, antialias: false, preserveDrawingBuffer: true });
  return pen ? new CardPainter(pen, facts) : new CanvasPainter(canvas.getContext("2d"), facts);
}

class CardPainter {
  constructor(pen, { size, grid }) {
    Object.assign(this, { pen, size });
    const program = pen.createProgram();
    for (const [kind, source] of [[pen.VERTEX_SHADER, VERTEX], [pen.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = pen.createShader(kind);
      pen.shaderSource(shader, source);
      pen.compileShader(shader);
      pen.attachShader(program, shader);
    }
    pen.bindAttribLocation(program, 0, "place");
    pen.bindAttribLocation(program, 1, "flow");
    pen.linkProgram(program);
    pen.useProgram(program);
    this.at = (name) => pen.getUniformLocation(program, name);
    this.corners = triangles(grid);
    pen.bindBuffer(pen.ELEMENT_ARRAY_BUFFER, pen.createBuffer());
    pen.bufferData(pen.ELEMENT_ARRAY_BUFFER, this.corners, pen.STATIC_DRAW);
    const places = new Float32Array(Array.from({ length: grid[0] * grid[1] }, (_, i) => [(i % grid[0]) / (grid[0] - 1), Math.floor(i / grid[0]) / (grid[1] - 1)]).flat());
    pen.bindBuffer(pen.ARRAY_BUFFER, pen.createBuffer());
    pen.bufferData(pen.ARRAY_BUFFER, places, pen.STATIC_DRAW);
    pen.enableVertexAttribArray(0);
    pen.vertexAttribPointer(0, 2, pen.FLOAT, false, 0, 0);
    this.flows = pen.createBuffer();
    pen.bindBuffer(pen.ARRAY_BUFFER, this.flows);
    pen.enableVertexAttribArray(1);
    this.film();
  }

  film() {
    const { pen } = this;
    pen.bindTexture(pen.TEXTURE_2D, pen.createTexture());
    for (const [name, value] of [["MIN_FILTER", "LINEAR"], ["MAG_FILTER", "LINEAR"], ["WRAP_S", "CLAMP_TO_EDGE"], ["WRAP_T", "CLAMP_TO_EDGE"]]) pen.texParameteri(pen.TEXTURE_2D, pen[`TEXTURE_${name}`], pen[value]);
    pen.uniform2f(this.at("pixel"), 1 / this.size[0], 1 / this.size[1]);
    pen.uniform3fv(this.at("cold"), HEAT.cold.map((one) => one / 255));
    pen.uniform3fv(this.at("hot"), HEAT.hot.map((one) => one / 255));
    pen.uniform2f(this.at("heat"), HEAT.low, HEAT.high);
    pen.blendFunc(pen.ONE, pen.ONE_MINUS_SRC_ALPHA);
  }

  /** Take a frame of the film and its displacement, int8 pairs. */
  take(video, flow) {
    const { pen } = this;
    pen.texImage2D(pen.TEXTURE_2D, 0, pen.RGB, pen.RGB, pen.UNSIGNED_BYTE, video);
    pen.bufferData(pen.ARRAY_BUFFER, flow, pen.DYNAMIC_DRAW);
    pen.vertexAttribPointer(1, 2, pen.BYTE, false, 0, 0);
  }

  /** Paint a panel that begins at `x`: the subject moved by `amount` pixels a step of its displacement. */
  paint(x, amount, { marked, height }) {
    const { pen, size: [w, h] } = this;
    pen.viewport(x, 0, w, h);
    pen.uniform1i(this.at("still"), amount === 0);
    pen.uniform1i(this.at("marked"), marked);
    pen.disable(pen.BLEND);
    pen.uniform1i(this.at("ground"), 1);
    pen.uniform2f(this.at("shift"), 0, 0);
    pen.drawElements(pen.TRIANGLES, this.corners.length, pen.UNSIGNED_SHORT, 0);
    if (amount === 0) return;
    pen.enable(pen.BLEND);
    pen.uniform1i(this.at("ground"), 0);
    pen.uniform2f(this.at("shift"), amount / w, amount / h);
    pen.uniform1f(this.at("reach"), Math.abs(amount) / height);
    pen.drawElements(pen.TRIANGLES, this.corners.length, pen.UNSIGNED_SHORT, 0);
  }
}

class CanvasPainter {
  constructor(pen, { size, grid }) {
    Object.assign(this, { pen, size, grid, corners: triangles(grid) });
    const made = (height) => { const canvas = document.createElement("canvas"); [canvas.width, canvas.height] = [size[0], height]; return canvas.getContext("2d", { willReadFrequently: true }); };
    [this.whole, this.ground, this.subject] = [made(3 * size[1]), made(size[1]), made(size[1])];
  }

  take(video, flow) {
    const [w, h] = this.size;
    this.whole.drawImage(video, 0, 0, w, 3 * h);
    const pixels = this.whole.getImageData(0, 0, w, 3 * h).data, ground = this.ground.createImageData(w, h), subject = this.subject.createImageData(w, h);
    const opacity = (i) => pixels[8 * w * h + 4 * i + 1];
    for (let i = 0; i < w * h; i += 1) {
      const left = Math.min(1, (1.5 / 255) * Math.max(opacity(i), i % w ? opacity(i - 1) : 0, (i + 1) % w ? opacity(i + 1) : 0, i >= w ? opacity(i - w) : 0, i + w < w * h ? opacity(i + w) : 0));
      for (let c = 0; c < 3; c += 1) {
        subject.data[4 * i + c] = pixels[4 * i + c];
        ground.data[4 * i + c] = (1 - left) * pixels[4 * i + c] + left * pixels[4 * (i + w * h) + c];
      }
      ground.data[4 * i + 3] = 255;
      subject.data[4 * i + 3] = opacity(i);
    }
    this.ground.putImageData(ground, 0, 0);
    this.subject.putImageData(subject, 0, 0);
    this.flow = flow;
    this.used = this.corners.filter((_, i) => { const first = i - (i % 3); return [0, 1, 2].some((k) => this.near(subject, this.corners[first + k])); });
  }

  /** Whether some of the subject lies around a point of the net. */
  near(subject, point) {
    const [w, h] = this.size, [gw, gh] = this.grid, step = Math.ceil(w / (gw - 1) / 2);
    const x = ((point % gw) * (w - 1)) / (gw - 1), y = (Math.floor(point / gw) * (h - 1)) / (gh - 1);
    return [-2, -1, 0, 1, 2].some((dy) => [-2, -1, 0, 1, 2].some((dx) => subject.data[4 * (Math.round(Math.min(h - 1, Math.max(0, y + dy * step))) * w + Math.round(Math.min(w - 1, Math.max(0, x + dx * step)))) + 3] > 8));
  }

  paint(x, amount) {
    const { pen, size: [w, h] } = this;
    pen.setTransform(1, 0, 0, 1, x, 0);
    if (amount === 0) { pen.drawImage(this.whole.canvas, 0, 0, w, h, 0, 0, w, h); return; }
    pen.save();
    pen.beginPath();
    pen.rect(0, 0, w, h);
    pen.clip();
    pen.drawImage(this.ground.canvas, 0, 0);
    for (let i = 0; i < this.used.length; i += 3) this.triangle(x, amount, this.used.subarray(i, i + 3));
    pen.restore();
  }

  triangle(x, amount, corners) {
    const { pen, size: [w, h], grid: [gw, gh] } = this;
    const from = [...corners].map((one) => [((one % gw) * w) / (gw - 1), (Math.floor(one / gw) * h) / (gh - 1)]);
    const to = from.map(([a, b], i) => [a + amount * this.flow[2 * corners[i]], b + amount * this.flow[2 * corners[i] + 1]]);
    const middle = [0, 1].map((axis) => (to[0][axis] + to[1][axis] + to[2][axis]) / 3);
    const [u, v] = [1, 2].map((i) => [from[i][0] - from[0][0], from[i][1] - from[0][1]]), [p, q] = [1, 2].map((i) => [to[i][0] - to[0][0], to[i][1] - to[0][1]]);
    const area = u[0] * v[1] - u[1] * v[0];
    const [a, b, c, d] = [(p[0] * v[1] - q[0] * u[1]) / area, (p[1] * v[1] - q[1] * u[1]) / area, (q[0] * u[0] - p[0] * v[0]) / area, (q[1] * u[0] - p[1] * v[0]) / area];
    pen.save();
    pen.beginPath();
    for (const [tx, ty] of to) pen.lineTo(tx + 0.6 * Math.sign(tx - middle[0]), ty + 0.6 * Math.sign(ty - middle[1])); // without seams
    pen.clip();
    pen.setTransform(a, b, c, d, x + to[0][0] - a * from[0][0] - c * from[0][1], to[0][1] - b * from[0][0] - d * from[0][1]);
    pen.drawImage(this.subject.canvas, 0, 0);
    pen.restore();
  }
}
