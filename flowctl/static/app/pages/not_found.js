// A page that does not exist.  Always with a way on.

import { html } from '../../vendor/preact.js';
import { NotFound } from '../ui/controls.js';

export default function NotFoundPage() {
  return html`<section class="page"><h1 class="sr">Not found</h1><${NotFound} what="page" /></section>`;
}
