/** As in package.json, which a bundle does not have beside it. */
export const suiteVersion = '0.1.0';
