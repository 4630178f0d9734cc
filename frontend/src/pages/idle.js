/** Every page behind the sign-in: `idle.html` says after how long it locks itself. */

import { find } from "../shared/dom.js";
import { IdleLock } from "../shared/idle_lock.js";

const { content, dataset } = find(document, "meta[name=idle]", HTMLMetaElement);
const { user = "", lock = "", unlock = "", here = "", login = "" } = dataset;
new IdleLock({ seconds: Number(content), user, lock, unlock, here, login }).watch();
