/** The wall time that a run may take. It may be changed while it goes on. */
export class RunTimeout {
  onChange: () => void = () => undefined;

  constructor(private current: number) {}

  get ms(): number {
    return this.current;
  }

  change(ms: number): void {
    this.current = ms;
    this.onChange();
  }
}
