// The packages that only drawing needs. They are large (84 MB), so they are optional peers, loaded with the first chart.
import { NotFoundError } from "../base/errors.ts";

/** Packages that drawing needs are not installed; the message holds the line that installs them. */
export class DrawingPackagesError extends NotFoundError {
  override readonly code: string = "OSTINATO_DRAWING_PACKAGES";
}

/** The result of `load`, which imports packages. @throws DrawingPackagesError when one of them is not installed. */
export async function drawingPackages<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw error;
    throw new DrawingPackagesError(
      "Charts are drawn by packages that are not installed. Install them: npm install echarts @resvg/resvg-js dejavu-fonts-ttf",
      { cause: error },
    );
  }
}
