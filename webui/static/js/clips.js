// Magnified clips: those that there are, and others rendered on demand when the factor is moved.

import { ApiError, get, part, post } from "./api.js";
import { complain } from "./dialogs.js";

const same = (a, b) => Math.abs(Number(a) - Number(b)) < 0.01;

export class Clips {
  constructor(run, clips) { Object.assign(this, { run, clips: [...clips], wish: 0 }); }

  of(recording) { return this.clips.filter((clip) => clip.recording_id === recording); }

  find({ recording_id: recording, factor, layout, appearance }, time) {
    const covers = (clip) => time === undefined || clip.facts?.from_s === undefined || (clip.facts.from_s - 0.05 <= time && time <= clip.facts.to_s + 0.05);
    return this.of(recording).find((clip) => clip.layout === layout && (clip.appearance ?? null) === (appearance ?? null) && same(clip.factor, factor) && covers(clip));
  }

  /** Have a clip rendered, with `progress(job)` each second; null when it failed, undefined when another was wished meanwhile. */
  async render(wish, progress) {
    const mine = ++this.wish;
    try {
      let job = await post(`runs/${part(this.run.id)}/clips`, wish);
      while (job.status !== "done") {
        if (mine !== this.wish) return undefined;
        if (job.status === "failed" || job.status === "cancelled") throw new ApiError(409, job.error || job.status);
        progress(job);
        await new Promise((go) => { setTimeout(go, 1000); });
        job = await get(`clips/${part(job.id)}`);
      }
      const clip = { ...wish, ...job };
      this.clips.push(clip);
      return mine === this.wish ? clip : undefined;
    } catch (error) {
      complain(error);
      return null;
    }
  }
}
