/** The element with this id, if the page has one. */
export const byId = (id) => document.getElementById(id)

/** A fresh copy of the one element in `<template id="…">`. */
export const fromTemplate = (id) => byId(id).content.firstElementChild.cloneNode(true)

/** Tells people who do not see the screen what others notice by a glance. */
export function announce(text) {
  byId('announcer').textContent = text
}
