/** What `volumes` does. */
export const volumeActions = ['list', 'remove'] as const;
export type VolumeAction = (typeof volumeActions)[number];
