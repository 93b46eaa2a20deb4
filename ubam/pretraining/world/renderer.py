"""A small OpenGL renderer (moderngl; Mesa's software driver suffices): colour, place on the body, shadow, mirror."""

import moderngl
import numpy as np

from .photographs import LAYERS, TEXTURE

SIDE, SHADOW = 240, 256

_VERTEX = """#version 330
in vec3 position, normal, canon, colour; in vec4 matter;
uniform mat4 camera, light; uniform mat4 model;
out vec3 at, facing, place, tint; out vec4 stuff, lit;
void main() {
  vec4 world = model * vec4(position, 1.0);
  at = world.xyz; facing = mat3(model) * normal; place = canon; tint = colour; stuff = matter;
  lit = light * world; gl_Position = camera * world;
}"""
_FRAGMENT = """#version 330
in vec3 at, facing, place, tint; in vec4 stuff, lit;
uniform sampler2DArray photos; uniform sampler2D shade;
uniform vec3 eye, sun_way, sun, sky, lamp; uniform float dark, soft, body, opacity, roll;
uniform int catcher;
layout(location = 0) out vec4 picture; layout(location = 1) out vec4 truth;
float shadow() {
  vec3 q = lit.xyz / lit.w * 0.5 + 0.5;
  if (any(lessThan(q.xy, vec2(0.01))) || any(greaterThan(q.xy, vec2(0.99)))) return 1.0;
  float sum = 0.0;
  for (int i = -1; i <= 1; i++) for (int j = -1; j <= 1; j++)
    sum += texture(shade, q.xy + vec2(i, j) * 2.0 * soft).r + 0.008 < q.z ? 0.0 : 1.0;
  return sum / 9.0;
}
void main() {
  vec3 n = normalize(facing), v = normalize(eye - at);
  if (dot(n, v) < 0.0) n = -n;
  vec3 colour = tint;
  if (stuff.z > 0.0) {
    vec2 uv = place.xy * stuff.y + vec2(roll, 0.0);
    if (body > 0.5) uv = vec2(place.x + 0.37 * place.y, place.z + 0.61 * place.y) * stuff.y;
    vec3 photo = texture(photos, vec3(uv, stuff.x)).rgb;
    colour = stuff.z > 1.0 ? photo : tint * mix(vec3(1.0), 0.25 + 1.5 * photo, stuff.z);
  }
  float open = mix(1.0, shadow(), dark);
  float facing_sun = max(dot(n, sun_way), 0.0);
  vec3 light = sky * (0.75 + 0.25 * n.z) + sun * facing_sun * open + lamp * max(dot(n, v), 0.0);
  light *= mix(1.0, open, 0.25);
  vec3 shine = sun * stuff.w * pow(max(dot(n, normalize(sun_way + v)), 0.0), 24.0) * open;
  picture = vec4(colour * light + shine, opacity);
  if (stuff.z > 1.5) picture = vec4(colour, opacity);
  if (catcher == 1) picture = vec4(vec3(0.0), (1.0 - open) * 0.55 * facing_sun);
  truth = body > 0.8 ? vec4(place, 1.0) : vec4(0.0);  // a mirrored body (0.6) is no subject
}"""
_DEPTH_VERTEX = """#version 330
in vec3 position; uniform mat4 light;
void main() { gl_Position = light * vec4(position, 1.0); }"""
_DEPTH_FRAGMENT = """#version 330
void main() {}"""


class Mesh:
    """A mesh on the graphics card. Positions and normals change with time; places, colours and matter do not."""

    def __init__(self, renderer: "Renderer", faces: np.ndarray, vertices: int) -> None:
        context = renderer.context
        self.vertices = vertices
        self.faces = context.buffer(np.ascontiguousarray(faces, np.int32).tobytes())
        self.moving = context.buffer(reserve=vertices * 24)
        self.lasting = context.buffer(reserve=vertices * 40)
        self.lit = context.vertex_array(
            renderer.program,
            [(self.moving, "3f 3f", "position", "normal"), (self.lasting, "3f 3f 4f", "canon", "colour", "matter")],
            self.faces,
        )
        self.depth = context.vertex_array(renderer.depth_program, [(self.moving, "3f 12x", "position")], self.faces)

    def move(self, positions: np.ndarray, normals: np.ndarray) -> None:
        """Give the vertices new positions [N, 3] and normals [N, 3]."""
        self.moving.write(np.concatenate([positions, normals], 1).astype(np.float32).tobytes())

    def paint(self, canon: np.ndarray, colour: np.ndarray, matter: np.ndarray) -> None:
        """Give the vertices body coordinates [N, 3], colours [N, 3] and matter [N, 4]."""
        self.lasting.write(np.concatenate([canon, colour, matter], 1).astype(np.float32).tobytes())

    def release(self) -> None:
        """Free the memory on the graphics card."""
        for part in (self.lit, self.depth, self.faces, self.moving, self.lasting):
            part.release()


class Renderer:
    """Draws a body in a scene at 240x240; `photos` uint8 [48, 256, 256, 3]."""

    def __init__(self, photos: np.ndarray) -> None:
        self.context = moderngl.create_standalone_context(backend="egl")
        self.program = self.context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self.depth_program = self.context.program(vertex_shader=_DEPTH_VERTEX, fragment_shader=_DEPTH_FRAGMENT)
        self.picture = self.context.texture((SIDE, SIDE), 4, dtype="f1")
        self.truth = self.context.texture((SIDE, SIDE), 4, dtype="f2")
        depth = self.context.depth_renderbuffer((SIDE, SIDE))
        self.frames = {
            False: self.context.framebuffer([self.picture], depth),
            True: self.context.framebuffer([self.picture, self.truth], depth),
        }
        self.shade = self.context.depth_texture((SHADOW, SHADOW))
        self.shade.compare_func = ""
        self.shadow_frame = self.context.framebuffer(depth_attachment=self.shade)
        self.photos = self.context.texture_array((TEXTURE, TEXTURE, LAYERS), 3, photos.tobytes())
        self.photos.build_mipmaps()
        self.program["photos"].value, self.program["shade"].value = 0, 1
        self.program["model"].write(np.eye(4, dtype=np.float32).tobytes())

    def set(self, **values: object) -> None:
        """Uniforms of the lit program: numbers, or arrays (matrices are row-major and written transposed)."""
        for name, value in values.items():
            if isinstance(value, np.ndarray) and value.ndim == 2:
                self.program[name].write(np.ascontiguousarray(value.T, np.float32).tobytes())
            elif isinstance(value, np.ndarray):
                self.program[name].value = tuple(float(v) for v in value)
            else:
                self.program[name].value = value

    def cast_shadow(self, meshes: list[Mesh], light: np.ndarray) -> None:
        """Draw the depth of meshes as seen from the light, whose projection [4, 4] is `light`."""
        self.shadow_frame.use()
        self.shadow_frame.clear(depth=1.0)
        self.context.enable(moderngl.DEPTH_TEST)
        self.depth_program["light"].write(np.ascontiguousarray(light.T, np.float32).tobytes())
        for mesh in meshes:
            mesh.depth.render()
        self.set(light=light)

    def begin(self, colour: np.ndarray, truth: bool) -> None:
        """Start a picture filled with this colour, and if asked the truth of its pixels."""
        self.frames[truth].use()
        self.frames[truth].clear(*[float(c) for c in colour], 0.0)  # no body anywhere
        self.context.enable(moderngl.DEPTH_TEST)
        self.context.disable(moderngl.BLEND)
        self.photos.use(0)
        self.shade.use(1)

    def draw(self, mesh: Mesh, *, body: float = 0.0, opacity: float = 1.0, model: np.ndarray | None = None) -> None:
        """Draw a mesh; body: its number in the truth, 0 for none; model: where it stands, [4, 4]."""
        self.set(body=body, opacity=float(opacity))
        if model is not None:
            self.set(model=model)
        if opacity < 1:
            self.context.enable(moderngl.BLEND)
            self.context.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA
        mesh.lit.render()
        self.context.disable(moderngl.BLEND)
        if model is not None:
            self.set(model=np.eye(4))

    def read(self) -> np.ndarray:
        """The picture, uint8 [240, 240, 3], its first row at the top."""
        return np.frombuffer(self.picture.read(), np.uint8).reshape(SIDE, SIDE, 4)[::-1, :, :3]

    def read_truth(self) -> np.ndarray:
        """Place on the body and whether it is body, float16 [240, 240, 4]."""
        return np.frombuffer(self.truth.read(), np.float16).reshape(SIDE, SIDE, 4)[::-1]
