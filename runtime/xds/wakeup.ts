/** Tells one waiter that something happened; any number of notes before it looks are one. */
export class Wakeup {
  #noted = false;
  #resolve: (() => void) | undefined;

  notify(): void {
    this.#noted = true;
    this.#resolve?.();
  }

  /** Returns at the next note, at once if there was one since the last wait, or after `ms`. */
  async wait(ms?: number): Promise<void> {
    if (!this.#noted) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
        if (ms !== undefined) timer = setTimeout(resolve, Math.max(0, ms));
      });
      clearTimeout(timer);
      this.#resolve = undefined;
    }
    this.#noted = false;
  }
}
