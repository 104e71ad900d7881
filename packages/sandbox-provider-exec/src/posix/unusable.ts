/** What a set-up failure's message means, and what a person does about it. */
export interface Unusable {
  readonly reason: string;
  readonly fix: string;
}
