"""Comments at a moment of a film of a run: who, when, and what."""

from apiflask import APIBlueprint, abort
from sqlalchemy import select

from webui.access.audit_log import note
from webui.access.identity import me
from webui.access.permissions import role_in, run_of
from webui.data.models import Comment
from webui.data.session import database
from webui.http.answer_records import CommentAnswer
from webui.http.paging import Headers, ListIn, ListRequest, Order, page_of
from webui.http.people_schemas import CommentOut
from webui.http.request_records import CommentRequest
from webui.http.schemas import CommentIn
from webui.http.security import identity, limiter
from webui.results.reader import row_of

comments = APIBlueprint("comments", __name__, url_prefix="/api/v1", tag="comments")
IN_TIME = Order((Comment.recording, Comment.time_s, Comment.id))


def comment_json(comment: Comment) -> CommentAnswer:
    """What the API says of a comment; its author and the owner of the study may delete it."""
    own = comment.user_id == me().id or role_in(comment.run.study) == "owner"
    return {
        "id": comment.id, "recording_id": comment.recording, "time_s": comment.time_s, "text": comment.text,
        "user": comment.user_name, "created": comment.created.isoformat(), "can_delete": own and me().role != "viewer",
    }  # fmt: skip


@comments.get("/runs/<string:run_id>/comments")
@comments.input(ListIn, location="query", arg_name="given")
@comments.output(CommentOut(many=True))
@comments.doc(summary="The comments on the films of a run")
def list_comments(run_id: str, given: ListRequest) -> tuple[list[CommentAnswer], int, Headers]:
    """By recording and moment."""
    run = run_of(run_id)
    found, headers = page_of(select(Comment).where(Comment.run_id == run.id), IN_TIME, given)
    return [comment_json(comment) for comment in found], 200, headers


@comments.post("/runs/<string:run_id>/comments")
@comments.input(CommentIn, arg_name="given")
@comments.output(CommentOut, status_code=201)
@comments.doc(summary="Comment a moment of a film", responses={201: "made"})
@limiter.limit("60 per minute", key_func=identity)
def add_comment(run_id: str, given: CommentRequest) -> tuple[CommentAnswer, int]:
    """Owner and editors may; everybody who sees the run sees it."""
    run = run_of(run_id, "editor")
    row_of(run, given["recording_id"])
    made = Comment(run_id=run.id, recording=given["recording_id"], time_s=given["time_s"], text=given["text"].strip())
    made.user_id, made.user_name, made.run = me().id, me().name, run
    database().add(made)
    database().commit()
    note("comment", "run", run.id)
    return comment_json(made), 201


@comments.delete("/comments/<string:comment_id>")
@comments.output({}, status_code=204)
@comments.doc(summary="Delete a comment of one's own, or one in a study of one's own")
def delete_comment(comment_id: str) -> str:
    """For good; that it was there stays in the audit log."""
    comment = database().get(Comment, comment_id)
    if comment is None or not role_in(comment.run.study):
        abort(404, "There is no such comment, or its study is not shared with you." if me() else "")
    run = run_of(comment.run_id)
    if not comment_json(comment)["can_delete"]:
        abort(403, "Only who wrote a comment, or the owner of the study, may delete it.")
    database().delete(comment)
    database().commit()
    note("delete comment", "run", run.id)
    return ""
