/** The login token, in memory alone: nothing that outlives the page holds it. */
let token: string | undefined;

export function tokenOfSession(): string | undefined {
  return token;
}

export function keepToken(given: string | undefined): void {
  token = given;
}
